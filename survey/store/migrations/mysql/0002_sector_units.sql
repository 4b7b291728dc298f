-- +goose Up
CREATE TABLE sector_units (
    code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    parent_code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name_zh VARCHAR(200) NOT NULL,
    name_en VARCHAR(200) NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NULL,
    successor_code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    CONSTRAINT sector_units_parent_code FOREIGN KEY (parent_code) REFERENCES sector_units (code),
    CONSTRAINT sector_units_area_code FOREIGN KEY (area_code) REFERENCES areas (code),
    CONSTRAINT sector_units_successor_code FOREIGN KEY (successor_code) REFERENCES sector_units (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sector_units;
