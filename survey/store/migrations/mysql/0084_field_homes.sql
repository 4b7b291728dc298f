-- +goose Up
CREATE TABLE field_homes (
    unit_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stratum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    psu VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reserve BOOLEAN NOT NULL,
    is_open BOOLEAN NOT NULL,
    outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    visits INT NOT NULL,
    periods INT NOT NULL,
    last_at DATETIME(6) NULL,
    adults INT NULL,
    CONSTRAINT field_homes_unit_id FOREIGN KEY (unit_id) REFERENCES sample_units (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE field_homes;
