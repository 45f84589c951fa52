"""The videos: what they show, how they are drawn and encoded, where they are kept."""
