"""How much one file may be, and how much it may cost to read. The tests come near to each."""

MEGABYTE = 1_000_000
# A file, and a file in a ZIP. Half a million rows of ten columns are some 40 MB as CSV.
FILE = 100 * MEGABYTE
# What a ZIP may hold: a help centre has some hundreds of articles, each a few kilobytes.
FILES, UNPACKED = 2_000, 500 * MEGABYTE
# How many times as large as it was packed a member may be, if it is LARGE. Sheets of real orders
# reach 30, of one repeated row 150; a bomb reaches 1,000.
RATIO, LARGE = 200, 10 * MEGABYTE
# A page is some 400 words: a book of 2,000 pages is no article.
PAGES = 2_000
# A record with more fields than that is one that nobody reads.
COLUMNS, ROWS = 200, 1_000_000
# Characters of a cell; ten pages. The longest text that Excel allows is 32,767.
CELL = 20_000
# Characters of a line in a CSV file or of JSON lines: fifty of the longest cells.
LINE = 50 * CELL
# Characters of one document (crm.plumbing.storable keeps no longer text of a record), and of all
# documents of a file: some forty thousand pages, which the parent holds in memory.
TEXT, TEXTS = 200_000, 100 * MEGABYTE
# Articles that one document is cut into: the longest terms have some hundred headings.
PARTS = 1_000
# Rows and characters that are shown of a table before it is imported.
SAMPLE, SAMPLE_TEXT = 100, 200_000

# The child's address space. Half a million rows of ten columns take 300 MB as CSV.
MEMORY = 1_024 * 1_024 * 1_024
# Seconds of the processor in all: a sheet of a million rows of ten columns takes some 400 (35 µs a
# cell, 2026-11-29), and is read once for the preview and once for the import.
PROCESSOR = 900
# Seconds of the processor without a sign of life. The child gives one at each page and at every
# thousand rows; what takes longest before the first is a workbook with a million different texts.
STUCK = 60.0
# Seconds of the wall without one: the machine may be busy with other things, or the child hangs.
SILENCE = 600.0
