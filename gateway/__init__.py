"""An SMPP gateway that decides for every text: may it be sent, when, and by which carrier."""

from gateway import compiled as compiled
