-- +goose Up
CREATE TABLE population (
    area_code TEXT NOT NULL REFERENCES areas (code),
    age TEXT NOT NULL,
    sex TEXT NOT NULL,
    persons INTEGER NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (area_code, age, sex)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE population;
