"""Where prompts come from: names into files, files into tables of cells; ``prompts`` says what a row means."""
