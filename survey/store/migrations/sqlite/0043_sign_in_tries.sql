-- +goose Up
CREATE TABLE sign_in_tries (
    login_key TEXT NOT NULL,
    source TEXT NOT NULL,
    failures INTEGER NOT NULL,
    since DATETIME NOT NULL,
    locked_until DATETIME NULL,
    ok_at DATETIME NULL,
    PRIMARY KEY (login_key, source)
);

-- +goose Down
DROP TABLE sign_in_tries;
