-- +goose Up
CREATE TABLE sample_units (
    id TEXT NOT NULL PRIMARY KEY,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    area_code TEXT NOT NULL REFERENCES areas (code),
    stratum TEXT NOT NULL,
    psu TEXT NOT NULL,
    household TEXT NOT NULL,
    weight REAL NOT NULL,
    UNIQUE (wave_id, household)
);

-- +goose Down
DROP TABLE sample_units;
