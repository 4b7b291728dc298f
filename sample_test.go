package main

import (
	"fmt"
	"strings"
	"testing"

	"chengyin/survey/apptest"
	"chengyin/survey/sample"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// TestSampleReplay draws a plan and has the command draw it again, before and after
// somebody changed a drawn household.
func TestSampleReplay(t *testing.T) {
	dsn := storetest.DSN(t, "sqlite")
	w := apptest.New(t, dsn)
	ctx := t.Context()
	env := map[string]string{"CHENGYIN_DATABASE": dsn, "CHENGYIN_SECRET": strings.Repeat("s", 32)}
	list := "社区代码,楼栋,房号,住户编号\n"
	for i := range 60 {
		list += fmt.Sprintf("%s,%d栋,%d,x%d\n", apptest.South, 1+i/10, 101+i, i)
	}
	told := func(int, int) {}
	read, err := w.Samples.ReadFrame(ctx, apptest.Office, "list.csv", strings.NewReader(list), told)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := w.Samples.StoreFrame(ctx, apptest.Office, read, "", false, told)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := w.Samples.Create(ctx, apptest.Office, sample.NewPlan{Wave: w.Wave.ID, Frame: frame.ID, Area: apptest.South, Spec: sample.UsualSpec})
	if err != nil {
		t.Fatal(err)
	}
	if got := runProgram(ctx, env, "sample", "replay", plan.ID); got.code != 1 || !strings.Contains(got.err, "has not been drawn") {
		t.Errorf("before the draw: %+v", got)
	}
	if plan, err = w.Samples.Draw(ctx, apptest.Office, plan.ID, sample.DrawOptions{Seed: "abc"}); err != nil {
		t.Fatal(err)
	}
	if got := runProgram(ctx, env, "sample", "replay", plan.ID); got.code != 0 || strings.Count(got.out, plan.ResultHash) != 3 || !strings.Contains(got.out, plan.Seed) || !strings.Contains(got.out, "the same draw") {
		t.Errorf("%+v", got)
	}
	if err := w.DB.InTx(ctx, func(tx *store.Tx) error {
		return tx.Exec("UPDATE sample_homes SET picks = '111111111111' WHERE plan_id = ? AND position = 1", plan.ID).Error
	}); err != nil {
		t.Fatal(err)
	}
	if got := runProgram(ctx, env, "sample", "replay", plan.ID); got.code != 1 || strings.Count(got.out, plan.ResultHash) != 2 {
		t.Errorf("changed: %+v", got)
	}
	for args, code := range map[string]int{"sample": 2, "sample draw": 2, "sample replay": 2, "sample replay a b": 2, "sample replay x": 1} {
		if got := runProgram(ctx, env, strings.Fields(args)...); got.code != code {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
