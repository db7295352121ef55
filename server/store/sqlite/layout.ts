/**
 * How the tables (tables.ts) hold rows.
 *
 * Rows are kept by stream and *row index*, whatever their steps: rows of steps 0 and 10^12 can be adjacent. An entry of type
 * `rows` keeps its stream, generation and first row in `entries`; its numbers are in `tail` until their block of BLOCK_ROWS rows
 * is complete, then by columns in `blocks`, with their steps and times in `axes`. A rewind begins a new generation of a stream's
 * rows: row i in force belongs to the highest generation that begins at or before i. `pyramid` reduces the rows in force,
 * `pyramidAxes` holds the first and last step of each of its nodes: a chunk is written once all its rows are stored, and deleted
 * by a rewind into it.
 *
 * The first row of a stream has the index (first step mod ROW_GRID): for a stream with a row for every step, nodes are then
 * aligned with the grid of buckets wherever the stream begins.
 */
export const BLOCK_ROWS = 1024;
/** Series per stored blob, so that reading one series of thousands is cheap. */
export const STRIPE = 16;
/** A node of the pyramid spans this many nodes of the level below; level 0 = single rows. */
export const FAN = 16;
/** Nodes of one pyramid chunk. */
export const CHUNK = 256;
/** Level 6 has nodes of 16^6 = 16.8 M rows. */
export const LEVELS = 6;
export const ROW_GRID = FAN ** LEVELS;

export const firstRowOf = (step: number): number => ((step % ROW_GRID) + ROW_GRID) % ROW_GRID;
