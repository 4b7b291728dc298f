-- +goose Up
CREATE TABLE response_tombstones (
    response_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    receipt_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    erased_at DATETIME(6) NOT NULL,
    CONSTRAINT response_tombstones_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE response_tombstones;
