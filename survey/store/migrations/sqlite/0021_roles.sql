-- +goose Up
CREATE TABLE roles (
    code TEXT NOT NULL PRIMARY KEY,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    permissions TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE roles;
