-- +goose Up
CREATE TABLE areas (
    code TEXT NOT NULL PRIMARY KEY,
    parent_code TEXT NULL REFERENCES areas (code),
    level TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NULL,
    successor_code TEXT NULL REFERENCES areas (code)
);

-- +goose Down
DROP TABLE areas;
