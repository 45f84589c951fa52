"""Foreign files and how each is read: the tables of ``test_foreign_files``."""

from dailies.prompts.options import AS_WRITTEN, ReadOptions

# file: the options of the one command; the prompts' beginnings; the notes in order.
READ: dict[str, tuple[ReadOptions, list[str], list[str]]] = {
    "cr_one.csv": (AS_WRITTEN, ["A fox in the snow\nslow push in\ncinematic"], []),
    "cr_one.jsonl": (AS_WRITTEN, ["A fox in the snow\nslow push in\ncinematic"], []),
    "cr_in.jsonl": (AS_WRITTEN, ["A fox\nruns\nfast", "An owl"], []),
    "excel_16rows.csv": (
        AS_WRITTEN,
        [f"Clip number {n} of a city at night" for n in range(1, 21)],
        [" lines 18, 19, 20 and 1 more, the last in 21: no cell for meta.note, read as empty"],
    ),
    "trailing_rowcomma.csv": (
        AS_WRITTEN,
        ["A fox in the snow", "An owl at night"],
        [" lines 2, 3: empty cells behind the last column are left out"],
    ),
    "trailing_empty.csv": (AS_WRITTEN, ["A fox in the snow", "An owl at night"], []),
    "sep_line.csv": (
        AS_WRITTEN,
        ["A fox in the snow", "An owl at night"],
        [": the line sep= says how cells are delimited"],
    ),
    "pandas_float.csv": (
        AS_WRITTEN,
        ["A fox in the snow", "An owl at night", "A cat"],
        [" lines 2, 4: 5.0 is read as 5"],
    ),
    "ratio_time.csv": (
        AS_WRITTEN,
        ["A fox in the snow", "An owl at night", "A cat", "A dog"],
        [" lines 2, 4, 5: 16:09 is read as the ratio 16:9"],
    ),
    "array.json": (AS_WRITTEN, ["A fox", "An owl"], []),
    "pretty.jsonl": (AS_WRITTEN, ["A fox"], []),
    "title_row.csv": (AS_WRITTEN, ["A fox in the snow"], [": lines above the header in line 3 are left out"]),
    "x_title.xlsx": (AS_WRITTEN, ["A fox"], [" (Prompts): rows above the header in row 3 are left out"]),
    "swallow.csv": (
        AS_WRITTEN,
        ["A fox in the snow,5\nAn owl at night,5\nA cat at noon", "A dog"],
        [": lines 2 to 4 are read as one record: is the quote that line 2 opens closed too late?"],
    ),
    "list.txt": (
        ReadOptions(lines=True),
        ["a person walking, on the beach", "a person eating ice cream", "a dog, a cat, and a bird"],
        [": each line is read as a prompt"],
    ),
    "vbench_like.jsonl": (
        ReadOptions(columns="prompt=prompt_en", others="ignore"),
        ["A fox"],
        [": columns left out: column 2, column 3"],
    ),
}
# A foreign file, and the command that its message ends with on a terminal.
PROPOSED: dict[str, str] = {
    "parti.tsv": "--others meta",
    "vbench.json": "--columns prompt=prompt_en --others meta",
    "vbench_like.jsonl": "--columns prompt=prompt_en --others meta",
    "video_prompts.csv": "--columns 'prompt=Video Prompt,model=Engine Name'",
    "guion.xlsx": "--columns 'prompt=Texto,model=Motor,duration=Duración (s)' --others meta",
    "styles.csv": "--template 'a red fox in the snow' --others meta",
    "shop.csv": "--template 'A video of {Title}' --others meta",
    "list.txt": "--lines",
}
# The same for texts: what is in the file, and the options that read it.
HEADERS: dict[str, str] = {
    "text\nA red fox runs\n": "--columns prompt=text",
    "caption,engine\nA red fox,fal/kling-2\n": "--columns prompt=caption,model=engine",
    "Texto;Duración\nUn zorro;5\n": "--columns 'prompt=Texto,duration=Duración'",
    "Descripción,cliente\nUn zorro rojo,Lucero\n": "--columns 'prompt=Descripción' --others meta",
    "Prompt,Aspect Ratio,Length\nA red fox,16:09,5.0\n": "--columns 'duration=Length,aspect_ratio=Aspect Ratio'",
    "shot,colour\nA red fox runs through the snow,red\n": "--columns prompt=shot --others meta",
    "prmopt\nA red fox\n": "--columns prompt=prmopt",
    ",prompt,duration\n0,A fox,5\n": "--others ignore",
    "prompt,client,client\nA fox,a,b\n": "--others meta",
    "A fox in the snow,fal/kling-2,5\nAn owl at night,google/veo-3.1,8\n": (
        "--columns prompt=1,model=2,duration=3 --no-header"
    ),
    "A fox runs.\nAn owl, at night\nA cat sleeps\n": "--lines",
    "A red fox crosses a frozen river\nA girl runs on the beach at dawn\nA city at night in neon\n": "--lines",
    "1. A red fox\n2. A girl runs on the beach at dawn\n3. A city at night in neon\n": "--lines",
    "Timestamp,Describe your video\n2026/11/03 4:05:06 PM GMT+1,A red fox crosses a river\n": (
        "--columns 'prompt=Describe your video' --others meta"
    ),
    "Prompt for the video clip\nA girl runs on the beach at dawn\n": "--columns 'prompt=Prompt for the video clip'",
}
