"""From files of prompts in any format to checked rows with keys."""
