"""May it be sent, and when? Pure judgement over a Message; a Verdict is data."""
