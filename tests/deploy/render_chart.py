"""Render the chart with Helm itself: `python render_chart.py CHART < values.json`, in a process of its own, for Helm is a library in Go."""

import json
import sys

import helm_python

if __name__ == "__main__":
    values = json.load(sys.stdin)
    try:
        with helm_python.Chart.load(sys.argv[1]) as chart:
            chart.validate_schema(values)
            rendered = chart.render(values, name="demo", namespace="desk")
        print(json.dumps({"rendered": rendered, "lint": helm_python.lint(sys.argv[1])}))
    except helm_python.HelmError as error:
        print(json.dumps({"refused": str(error)}))
