-- +goose Up
CREATE TABLE population (
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    age VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sex VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    persons INT NOT NULL,
    source VARCHAR(200) NOT NULL,
    PRIMARY KEY (area_code, age, sex),
    CONSTRAINT population_area_code FOREIGN KEY (area_code) REFERENCES areas (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE population;
