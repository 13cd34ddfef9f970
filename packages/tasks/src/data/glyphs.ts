/** The ten digits as 5 × 7 dot-matrix glyphs, the raw material of the synthetic `digits` data set. */

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;

const drawings = [
  '.###. #...# #..## #.#.# ##..# #...# .###.',
  '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
  '.###. #...# ....# ..##. .#... #.... #####',
  '.###. #...# ....# ..##. ....# #...# .###.',
  '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
  '##### #.... ####. ....# ....# #...# .###.',
  '..##. .#... #.... ####. #...# #...# .###.',
  '##### ....# ...#. ..#.. .#... .#... .#...',
  '.###. #...# #...# .###. #...# #...# .###.',
  '.###. #...# #...# .#### ....# ...#. .##..',
];

/** One glyph a digit, `[GLYPH_HEIGHT * GLYPH_WIDTH]`, row-major, 1 for ink. */
export const glyphs: readonly Uint8Array[] = drawings.map((drawing) =>
  Uint8Array.from(drawing.replaceAll(' ', ''), (dot) => (dot === '#' ? 1 : 0)),
);
