PRAGMA application_id = 0x536b4279;
PRAGMA user_version = 2;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL UNIQUE,
  profile TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  outcome TEXT,
  format INTEGER NOT NULL,
  host_version TEXT NOT NULL,
  events INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_by_start ON runs (started_ms);
CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  zlib BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
  run INTEGER NOT NULL REFERENCES runs (id),
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  cut INTEGER,
  blob INTEGER REFERENCES blobs (id),
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_blob ON entries (blob) WHERE blob IS NOT NULL;
CREATE TABLE barriers (number INTEGER NOT NULL) STRICT;
INSERT INTO barriers VALUES (0);
CREATE TABLE locks (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX locks_by_holder ON locks (holder);
CREATE TABLE decisions (
  run INTEGER NOT NULL REFERENCES runs (id),
  digest TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  decision TEXT NOT NULL,
  PRIMARY KEY (run, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO runs VALUES (1, '20260102-parked', 'heal', 1767312000000, NULL, NULL, 1, '0.1.0', 2, 181);
INSERT INTO entries VALUES
(1, 1, 1767312000000, 'run-started', '{"type":"run-started","profile":"heal","settings":{"loop":"pipeline"},"cluster":"live","hostVersion":"0.1.0","plugins":[]}', NULL, NULL),
(1, 2, 1767312000500, 'parked', '{"type":"parked","reason":"approval","report":{}}', NULL, NULL);
INSERT INTO decisions VALUES (1, 'sha256:64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525', 1767312001000, '{"decision":"approved","by":"ann"}');
INSERT INTO locks VALUES ('apps/v1/Deployment/shop/api', '20260102-parked', 1767312600000);
