-- +goose Up
CREATE TABLE recipes (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version INT NOT NULL,
    definition MEDIUMTEXT NOT NULL,
    published_at DATETIME(6) NOT NULL,
    UNIQUE (code, version)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE recipes;
