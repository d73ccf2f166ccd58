/**
 * The tables of the index. It is never the truth: after a change here, drop them and rebuild from R2. Times are seconds
 * since the epoch. `name` is that of the tag's entry in R2.
 */
const statements = [
  `CREATE TABLE IF NOT EXISTS meshes (
     key TEXT PRIMARY KEY, model TEXT NOT NULL, output_format TEXT NOT NULL, image_sha256 TEXT NOT NULL,
     asset_sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, geometry_key TEXT, geometry_bytes INTEGER NOT NULL,
     gpu_ms REAL NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, scope TEXT NOT NULL,
     uses INTEGER NOT NULL, last_used_at INTEGER NOT NULL, worth REAL NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS meshes_by_worth ON meshes (worth)',
  'CREATE INDEX IF NOT EXISTS meshes_by_uses ON meshes (uses)',
  'CREATE INDEX IF NOT EXISTS meshes_by_expiry ON meshes (expires_at) WHERE expires_at IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS meshes_by_image ON meshes (image_sha256)',
  'CREATE INDEX IF NOT EXISTS meshes_by_geometry ON meshes (geometry_key) WHERE geometry_key IS NOT NULL',
  'CREATE TABLE IF NOT EXISTS tags (name TEXT PRIMARY KEY, tag TEXT NOT NULL, key TEXT NOT NULL)',
  'CREATE INDEX IF NOT EXISTS tags_by_key ON tags (key)',
  'CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL)',
];

/** Makes the tables where they are not there yet; a new deployment needs no other step. */
export async function createTables(db: D1Database): Promise<void> {
  await db.batch(statements.map((statement) => db.prepare(statement)));
}
