-- +goose Up
CREATE INDEX response_traces_by_device ON response_traces (wave_id, device_hash, reason);

-- +goose Down
DROP INDEX response_traces_by_device ON response_traces;
