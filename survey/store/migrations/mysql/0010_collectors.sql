-- +goose Up
CREATE TABLE collectors (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    unit_code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    channel VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    slot INT NOT NULL,
    place VARCHAR(200) NOT NULL,
    expires_at DATETIME(6) NULL,
    revoked_at DATETIME(6) NULL,
    revoked_why VARCHAR(200) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    UNIQUE (wave_id, area_code, channel, slot),
    CONSTRAINT collectors_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id),
    CONSTRAINT collectors_area_code FOREIGN KEY (area_code) REFERENCES areas (code),
    CONSTRAINT collectors_unit_code FOREIGN KEY (unit_code) REFERENCES sector_units (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE collectors;
