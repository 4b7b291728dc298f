-- +goose Up
CREATE TABLE response_rivals (
    response_id TEXT NOT NULL REFERENCES responses (id),
    answers_hash TEXT NOT NULL,
    answers TEXT NOT NULL,
    via TEXT NOT NULL,
    received_at DATETIME NOT NULL,
    reviewed_at DATETIME NULL,
    PRIMARY KEY (response_id, answers_hash)
);

-- +goose Down
DROP TABLE response_rivals;
