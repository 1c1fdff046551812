"""The guide: its chapters run and show what they say, its pages agree with the code."""
