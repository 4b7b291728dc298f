-- +goose Up
CREATE TABLE response_tombstones (
    response_id TEXT NOT NULL PRIMARY KEY,
    receipt_hash TEXT NOT NULL UNIQUE,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    erased_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE response_tombstones;
