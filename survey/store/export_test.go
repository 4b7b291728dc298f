package store

import "database/sql"

// Pools returns the pools of connections that writing and reading use.
func (db *DB) Pools() (write, read *sql.DB, err error) {
	if write, err = db.write.DB(); err != nil {
		return nil, nil, err
	}
	read, err = db.read.DB()
	return write, read, err
}
