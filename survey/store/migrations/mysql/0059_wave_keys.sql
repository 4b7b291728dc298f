-- +goose Up
CREATE TABLE wave_keys (
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    key_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sealed VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL,
    destroyed_at DATETIME(6) NULL,
    CONSTRAINT wave_keys_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE wave_keys;
