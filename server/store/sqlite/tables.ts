/** The tables of the current format (layout.ts explains how they hold rows). */

export const rowTables = `
CREATE TABLE streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES runs(id),
  name TEXT NOT NULL,
  width INTEGER NOT NULL,
  firstRow INTEGER,
  endRow INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  lastStep INTEGER,
  crc INTEGER,
  columns TEXT NOT NULL,
  columnsCrc INTEGER,
  UNIQUE (run, name)
) STRICT;
CREATE TABLE series (
  run INTEGER NOT NULL REFERENCES runs(id),
  name TEXT NOT NULL,
  stream INTEGER NOT NULL,
  position INTEGER NOT NULL,
  crc INTEGER,
  PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE generations (
  stream INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  fromRow INTEGER NOT NULL,
  crc INTEGER,
  PRIMARY KEY (stream, generation)
) STRICT, WITHOUT ROWID;
CREATE TABLE tail (
  stream INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  firstRow INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  firstStep INTEGER NOT NULL,
  at REAL NOT NULL,
  steps BLOB,
  times BLOB,
  data BLOB NOT NULL,
  crc INTEGER,
  PRIMARY KEY (stream, generation, firstRow)
) STRICT, WITHOUT ROWID;
CREATE TABLE blocks (
  stream INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  stripe INTEGER NOT NULL,
  block INTEGER NOT NULL,
  data BLOB NOT NULL,
  crc INTEGER,
  UNIQUE (stream, generation, stripe, block)
) STRICT;
CREATE TABLE axes (
  stream INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  block INTEGER NOT NULL,
  firstStep INTEGER NOT NULL,
  steps BLOB NOT NULL,
  times BLOB NOT NULL,
  crc INTEGER,
  UNIQUE (stream, generation, block)
) STRICT;
CREATE INDEX axesByStep ON axes(stream, generation, firstStep);
CREATE TABLE pyramid (
  stream INTEGER NOT NULL,
  level INTEGER NOT NULL,
  stripe INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  data BLOB NOT NULL,
  crc INTEGER,
  UNIQUE (stream, level, stripe, chunk)
) STRICT;
CREATE TABLE pyramidAxes (
  stream INTEGER NOT NULL,
  level INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  firstSteps BLOB NOT NULL,
  lastSteps BLOB NOT NULL,
  lastTimes BLOB NOT NULL,
  crc INTEGER,
  UNIQUE (stream, level, chunk)
) STRICT;
`;

export const tables = `
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  runId TEXT NOT NULL UNIQUE,
  head INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  nextEvent INTEGER NOT NULL,
  headStep INTEGER NOT NULL,
  summarySeq INTEGER,
  summary TEXT,
  chain BLOB,
  crc INTEGER,
  summaryCrc INTEGER
) STRICT;
CREATE TABLE entries (
  run INTEGER NOT NULL REFERENCES runs(id),
  seq INTEGER NOT NULL,
  seqCount INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  at REAL NOT NULL,
  type TEXT NOT NULL,
  step INTEGER,
  stream INTEGER,
  generation INTEGER,
  row INTEGER,
  event TEXT,
  crc INTEGER,
  chain BLOB,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX notRows ON entries(run, seq) WHERE type <> 'rows';
CREATE TABLE rewinds (
  run INTEGER NOT NULL REFERENCES runs(id),
  seq INTEGER NOT NULL,
  fromStep INTEGER NOT NULL,
  keepSeq INTEGER NOT NULL,
  crc INTEGER,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE blobUses (
  hash TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES runs(id),
  crc INTEGER,
  PRIMARY KEY (hash, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX blobsOfRun ON blobUses(run);
CREATE TABLE views (run INTEGER PRIMARY KEY REFERENCES runs(id), seq INTEGER NOT NULL, view TEXT NOT NULL, crc INTEGER) STRICT;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE smallBlobs (hash TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
${rowTables}`;
