package reports

import (
	"hindcast.dev/backtest/result"
)

// pictures are all figures of a run in the order of the report, and remarks on what
// could not be drawn.
type pictures struct {
	figures []*figure
	remarks []string
}

func newPictures(f *result.Folder) (*pictures, error) {
	run, err := readTimelines(f)
	if err != nil {
		return nil, err
	}
	series, err := readForecast(f)
	if err != nil {
		return nil, err
	}
	r := &f.Result
	p := &pictures{}
	if fig := frontierFigure(r); fig != nil {
		p.figures = append(p.figures, fig)
	}
	if run.load != nil {
		p.figures = append(p.figures, loadFigure(r, run), zoomFigure(run))
		for i := range run.policies {
			p.figures = append(p.figures, replicasFigure(run, &run.policies[i]))
		}
		if fig := latencyFigure(r, run); fig != nil {
			p.figures = append(p.figures, fig)
		}
	}
	if series != nil {
		p.figures = append(p.figures, forecastFigure(run.clock, series, "requests/s", "one lead time"))
	}
	if fig := accuracyFigure(r); fig != nil {
		p.figures = append(p.figures, fig)
	}
	for _, name := range run.missing {
		p.remarks = append(p.remarks, "The timeline of "+plain(name)+" is not in this folder, so it is not drawn.")
	}
	return p, nil
}
