package gradcheck

import (
	"neocog/autodiff"
	"os"
	"strings"
	"testing"
	"time"
)

func TestX(t *testing.T) {
	for _, s := range Models() {
		if os.Getenv("M") != "" && !strings.Contains(","+os.Getenv("M")+",", ","+s.Name+",") {
			continue
		}
		var r Result
		for _, k := range s.Cases {
			begin := time.Now()
			q, err := k.Check(t.Context(), autodiff.Config{Seed: 1})
			if err != nil {
				t.Error(s, k.Title, err)
			}
			r = r.Add(q)
			t.Log(s, k.Title, q.Checked, q.Failed, q.Worst(), q.Error, q.Tolerance, time.Since(begin))
			for _, w := range q.Wrong {
				t.Log(w)
			}
		}
		t.Log(s, len(s.Cases), r.Checked, r.Failed, r.Worst(), s.Why)
		for _, w := range r.Wrong {
			t.Log(w)
		}
	}
}
