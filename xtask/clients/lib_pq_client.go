// lib/pq, whose TLS is Go's own. Its COPY goes one way, into the table.

package main

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lib/pq"
)

type pqSession struct {
	conninfo string
	db       *sql.DB
	conn     *sql.Conn
}

func connectPq(request map[string]string) (session, error) {
	s := &pqSession{conninfo: conninfo(request)}
	return s, s.open()
}

func (s *pqSession) open() (err error) {
	if s.db, err = sql.Open("postgres", s.conninfo); err != nil {
		return err
	}
	if s.conn, err = s.db.Conn(context.Background()); err != nil {
		s.db.Close()
	}
	return err
}

func (s *pqSession) one() error {
	var one int
	if err := s.conn.QueryRowContext(context.Background(), "select 1").Scan(&one); err != nil {
		return err
	}
	return expect("select 1", one, 1)
}

func (s *pqSession) prepared() error {
	statement, err := s.conn.PrepareContext(context.Background(), "select $1::int + 1")
	if err != nil {
		return err
	}
	defer statement.Close()
	for _, value := range []int{41, 1} {
		var next int
		if err := statement.QueryRow(value).Scan(&next); err != nil {
			return err
		}
		if err := expect("the prepared statement", next, value+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *pqSession) copy(table string) error {
	ctx := context.Background()
	if _, err := s.conn.ExecContext(ctx, "create table "+table+" (a int, b text)"); err != nil {
		return err
	}
	work, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer work.Rollback()
	in, err := work.Prepare(pq.CopyIn(table, "a", "b"))
	if err != nil {
		return err
	}
	for _, row := range [][]interface{}{{1, "one"}, {2, nil}} {
		if _, err := in.Exec(row...); err != nil {
			return err
		}
	}
	if _, err := in.Exec(); err != nil {
		return err
	}
	if err := in.Close(); err != nil {
		return err
	}
	if err := work.Commit(); err != nil {
		return err
	}
	var all, named int
	if err := s.conn.QueryRowContext(ctx, "select count(*), count(b) from "+table).Scan(&all, &named); err != nil {
		return err
	}
	if err := expect("the copy", [2]int{all, named}, [2]int{2, 1}); err != nil {
		return err
	}
	_, err = s.conn.ExecContext(ctx, "drop table "+table)
	return err
}

// The driver sends its CancelRequest when the context ends, and then gives the connection up.
func (s *pqSession) cancel(statement string) (bool, error) {
	ctx, stop := context.WithTimeout(context.Background(), beforeCancel)
	defer stop()
	_, err := s.conn.ExecContext(ctx, statement)
	canceled := pqState(err) == "57014"
	if err != nil && !canceled {
		return false, err
	}
	s.close()
	return canceled, s.open()
}

func (s *pqSession) close() error {
	s.conn.Close()
	return s.db.Close()
}

func pqState(err error) string {
	var failure *pq.Error
	if errors.As(err, &failure) {
		return string(failure.Code)
	}
	return ""
}

func main() { serve("lib/pq", connectPq, pqState) }
