-- +goose Up
CREATE TABLE score_runs (
    id TEXT NOT NULL PRIMARY KEY,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    as_of DATETIME NOT NULL,
    stamp TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    recipe_code TEXT NOT NULL,
    recipe_version INTEGER NOT NULL,
    code_version TEXT NOT NULL,
    weighting TEXT NOT NULL,
    is_current BOOLEAN NOT NULL,
    published_at DATETIME NULL
);

-- +goose Down
DROP TABLE score_runs;
