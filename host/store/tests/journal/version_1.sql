PRAGMA application_id = 0x536b4279;
PRAGMA user_version = 1;
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
INSERT INTO runs VALUES (1, '20260101-old', 'triage', 1767225600000, 1767225601000, 'findings', 1, '0.1.0', 3, 6943);
INSERT INTO blobs VALUES (1, x'fa2f78ae619ecc13629298bb97c954dc07ff9f3e06137a7c04632615ff6bc31a', 6623, x'78dac598bb6edc301045ff45b50d8833c357be22559a28055fc22e62ef0a919126d87f8f2cb7d7e982db89238a38507170c0efd39f652adbf5dbf8b55fefb765fab24cbfdd323d2dd3cfebad9febaff77e0e5ec75be9e5ad1cc3e3a39752c7cbfef15cb6eddc791c74eebc94fd720ee6657a1ceb5b791de77abbf7677d9ecf4defc37d2bede3cd7eb91f673c1ed3d3ff257263ac10ca11a1b4f701a18408e55beb104a8950b1d606a18c08954ba910ca13a16ace05420522544f2943a848845a634c102a313de54288902a33a9d4fb80f54995ba37f3188ba97517550d6331c5eeb288622ca6da5d75efbf056131e5eefa3c3b8ce5c91d83ebca31052f73ef9ff41553f122ade1c2724cc98bd58a1bcb312d2fa1145c59c2b4bca49c716709d3f25252c2a5254ccb4b8b11b796302d2f23045c5bc2b4bccedee3dc12a6e555cc706f09d3f26aaab8b78469790d22b8b78469794dcee1de12a6e5b5cc33ee2d655a5eeb58716f29fb8a06f796322daf6b6bb8b794697973b5e2de52a6e54d4bf9e44e8b6979f339e3de52a6e52da6847b4b9996b71c23ee2d655ade6a08b8b7946979ebdee3de32a6e56d35c3bd654ccb7ba78a7bcba857f12a827bcbfe69f91f7f014a1a3011');
INSERT INTO entries VALUES
(1, 1, 1767225600000, 'run-started', '{"type":"run-started","profile":"triage","settings":{"loop":"pipeline"},"cluster":"recorded: ./bundle","hostVersion":"0.1.0","plugins":[]}', NULL, NULL),
(1, 2, 1767225600500, 'ask-ended', '{"type":"ask-ended","call":1,"ask":1,"answer":{"answer":"page","observation":"o1","page":{"objects":,"continue":null,"coverage":"complete"}}}', 100, 1),
(1, 3, 1767225601000, 'run-ended', '{"type":"run-ended","outcome":"findings"}', NULL, NULL);
