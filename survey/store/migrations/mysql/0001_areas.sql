-- +goose Up
CREATE TABLE areas (
    code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    parent_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NULL,
    level VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name_zh VARCHAR(200) NOT NULL,
    name_en VARCHAR(200) NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE NULL,
    successor_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NULL,
    CONSTRAINT areas_parent_code FOREIGN KEY (parent_code) REFERENCES areas (code),
    CONSTRAINT areas_successor_code FOREIGN KEY (successor_code) REFERENCES areas (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE areas;
