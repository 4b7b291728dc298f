-- +goose Up
CREATE TABLE field_homes (
    unit_id TEXT NOT NULL PRIMARY KEY REFERENCES sample_units (id),
    wave_id TEXT NOT NULL,
    area_code TEXT NOT NULL,
    stratum TEXT NOT NULL,
    psu TEXT NOT NULL,
    reserve BOOLEAN NOT NULL,
    is_open BOOLEAN NOT NULL,
    outcome TEXT NOT NULL,
    visits INTEGER NOT NULL,
    periods INTEGER NOT NULL,
    last_at DATETIME NULL,
    adults INTEGER NULL
);

-- +goose Down
DROP TABLE field_homes;
