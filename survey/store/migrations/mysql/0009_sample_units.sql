-- +goose Up
CREATE TABLE sample_units (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stratum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    psu VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    household VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    weight DOUBLE NOT NULL,
    UNIQUE (wave_id, household),
    CONSTRAINT sample_units_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id),
    CONSTRAINT sample_units_area_code FOREIGN KEY (area_code) REFERENCES areas (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sample_units;
