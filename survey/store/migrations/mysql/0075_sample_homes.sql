-- +goose Up
CREATE TABLE sample_homes (
    unit_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    plan_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    psu VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    position INT NOT NULL,
    reserve BOOLEAN NOT NULL,
    probability DOUBLE NOT NULL,
    base DOUBLE NOT NULL,
    frame_adults INT NULL,
    building VARCHAR(400) NOT NULL,
    unit VARCHAR(400) NOT NULL,
    room VARCHAR(400) NOT NULL,
    picks VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    UNIQUE (wave_id, psu, position),
    CONSTRAINT sample_homes_unit_id FOREIGN KEY (unit_id) REFERENCES sample_units (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sample_homes;
