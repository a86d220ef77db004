"""Korean text to the sounds that are said."""
