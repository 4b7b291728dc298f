-- +goose Up
CREATE TABLE wave_keys (
    wave_id TEXT NOT NULL PRIMARY KEY REFERENCES waves (id),
    key_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    destroyed_at DATETIME NULL
);

-- +goose Down
DROP TABLE wave_keys;
