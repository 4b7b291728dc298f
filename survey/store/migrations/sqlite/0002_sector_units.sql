-- +goose Up
CREATE TABLE sector_units (
    code TEXT NOT NULL PRIMARY KEY,
    parent_code TEXT NULL REFERENCES sector_units (code),
    kind TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    area_code TEXT NOT NULL REFERENCES areas (code),
    valid_from DATE NOT NULL,
    valid_to DATE NULL,
    successor_code TEXT NULL REFERENCES sector_units (code)
);

-- +goose Down
DROP TABLE sector_units;
