-- +goose Up
CREATE TABLE scores (
    run_id TEXT NOT NULL REFERENCES score_runs (id),
    area_code TEXT NOT NULL,
    indicator TEXT NOT NULL,
    mode TEXT NOT NULL,
    level TEXT NOT NULL,
    n INTEGER NOT NULL,
    n_eff REAL NULL,
    estimate REAL NULL,
    se REAL NULL,
    low REAL NULL,
    high REAL NULL,
    deff REAL NULL,
    df REAL NULL,
    dk_share REAL NULL,
    method TEXT NOT NULL,
    reason TEXT NOT NULL,
    flags TEXT NOT NULL,
    PRIMARY KEY (run_id, area_code, indicator, mode)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE scores;
