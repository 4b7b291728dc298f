-- +goose Up
CREATE TABLE sample_homes (
    unit_id TEXT NOT NULL PRIMARY KEY REFERENCES sample_units (id),
    wave_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    area_code TEXT NOT NULL,
    psu TEXT NOT NULL,
    position INTEGER NOT NULL,
    reserve BOOLEAN NOT NULL,
    probability REAL NOT NULL,
    base REAL NOT NULL,
    frame_adults INTEGER NULL,
    building TEXT NOT NULL,
    unit TEXT NOT NULL,
    room TEXT NOT NULL,
    picks TEXT NOT NULL,
    UNIQUE (wave_id, psu, position)
);

-- +goose Down
DROP TABLE sample_homes;
