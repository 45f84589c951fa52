"""Where prompts come from: names into files, files into tables of cells; what a row means is told in ``prompts``."""
