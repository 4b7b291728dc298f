-- +goose Up
CREATE TABLE tallies (
    wave_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    stratum TEXT NOT NULL,
    psu TEXT NOT NULL,
    area_code TEXT NOT NULL,
    age TEXT NOT NULL,
    sex TEXT NOT NULL,
    indicator TEXT NOT NULL,
    n INTEGER NOT NULL,
    d REAL NOT NULL,
    dd REAL NOT NULL,
    dy REAL NOT NULL,
    dyy REAL NOT NULL,
    ddy REAL NOT NULL,
    ddyy REAL NOT NULL,
    dk REAL NOT NULL,
    moves INTEGER NOT NULL,
    PRIMARY KEY (wave_id, mode, stratum, psu, area_code, age, sex, indicator)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE tallies;
