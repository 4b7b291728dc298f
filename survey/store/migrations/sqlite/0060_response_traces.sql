-- +goose Up
CREATE TABLE response_traces (
    response_id TEXT NOT NULL PRIMARY KEY,
    wave_id TEXT NOT NULL,
    device_hash TEXT NOT NULL,
    source_net TEXT NOT NULL,
    reason TEXT NOT NULL,
    received_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE response_traces;
