"""The simulated carriers: `Smsc` runs what a profile describes."""

from simulator.smsc.carrier import Carrier, Fault
from simulator.smsc.center import Smsc
from simulator.smsc.profile import Profile, ProfileError, load_profile

__all__ = ["Carrier", "Fault", "Profile", "ProfileError", "Smsc", "load_profile"]
