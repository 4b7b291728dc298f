-- +goose Up
CREATE TABLE privacy_erasures (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    class VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wave_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at DATETIME(6) NOT NULL,
    items INT NOT NULL,
    oldest DATETIME(6) NULL,
    newest DATETIME(6) NULL,
    key_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ids_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE privacy_erasures;
