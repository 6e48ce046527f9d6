#!/usr/bin/env python3
"""The oracle: the same problem, as docs/PLANNER.md states it, for OR-Tools CP-SAT (`pip install ortools`).

    python3 cpsat.py PROBLEM.json [--seconds 60] [--model intervals|starts] [--workers 1] [--hint PLAN.json]

Prints one line of JSON: status, cost of the best plan found, proven bound, seconds.

Two models of the same rules. `intervals` has an optional interval for every request and option, NoOverlap for a
provider and Cumulative for a kind of room (interval graphs are perfect: whoever fits by number fits by name, as long
as the rooms of a kind are open alike, which is checked). `starts` has a Boolean for every start and sums over
every tick: a large model with a tight relaxation. Which of them does better depends on the size.
"""

import argparse
import json
import sys
import time
from collections import defaultdict

from ortools.sat.python import cp_model


class Problem:
    def __init__(self, data):
        self.data = data
        self.tick = data["tick_minutes"]
        self.days = len(data["days"])
        self.weights = data["weights"]
        self.providers = {p["id"]: p for p in data["providers"]}
        self.travel = {}
        for t in data["travel"]:
            self.travel[t["from"], t["to"]] = t["minutes"]
        for t in data["travel"]:
            self.travel.setdefault((t["to"], t["from"]), t["minutes"])
        self.groups = defaultdict(list)
        for name in ("rooms", "equipment"):
            for asset in data.get(name, []):
                self.groups[name, asset["kind"], asset["facility"]].append(asset)
        for assets in self.groups.values():
            assert all(a["available"] == assets[0]["available"] for a in assets), "assets of a kind differ"
        self.facilities = sorted({w["facility"] for p in data["providers"] for w in p["working"]})
        for r in data["requests"]:
            assert not r.get("current"), "the oracle plans empty weeks only"

    def travelling(self, provider):
        return len({w["facility"] for w in self.providers[provider]["working"]}) > 1

    def teams(self, r):
        everybody = list(dict.fromkeys(r["all_of"]))
        if not r["any_of"] and not everybody:
            candidates = list(self.providers)
        else:
            candidates = list(dict.fromkeys(r["any_of"]))
        if candidates:
            teams = [everybody + [c] for c in candidates if c not in everybody]
        else:
            teams = [everybody]
        has = lambda team: {s for p in team for s in self.providers[p]["skills"]}
        return [t for t in teams if set(r["skills"]) <= has(t)]

    def team_cost(self, r, team):
        cost = 0
        if r["preferred_providers"] and not set(r["preferred_providers"]) & set(team):
            cost += self.weights["preferred_provider"]
        if r["continuity"] and r["continuity"] not in team:
            cost += self.weights["continuity"]
        return cost

    def time_cost(self, r, day, start):
        priority = r["priority"]
        first = min((w["day"] for w in r["windows"]), default=0)
        cost = (day - first) * self.weights["wait_per_day"][priority]
        opens = min((w["from"] for w in r["windows"] if w["day"] == day), default=None)
        if opens is not None:
            cost += (start - opens) // 60 * self.weights["wait_per_hour"][priority]
        liked = r["preferred_windows"]
        if liked and not any(w["day"] == day and w["from"] <= start < w["to"] for w in liked):
            cost += self.weights["preferred_time"]
        return cost

    def starts(self, r, day, team, facility):
        """Ticks at which the team is there, the rooms are open and the request may begin."""
        needs = [("rooms", r["room"])] if r["room"] else []
        needs += [("equipment", kind) for kind in r["equipment"]]
        open_times = [
            [(w["from"], w["to"]) for w in self.providers[p]["working"] if w["day"] == day and w["facility"] == facility]
            for p in team
        ]
        for name, kind in needs:
            assets = self.groups.get((name, kind, facility))
            if not assets:
                return []
            open_times.append([(w["from"], w["to"]) for w in assets[0]["available"] if w["day"] == day])
        open_times = [merged(times) for times in open_times]
        found = []
        step = r["align"] or self.tick
        for start in range(0, self.data["days"][day]["minutes"], step):
            end = start + r["duration"]
            if r["windows"] and not any(w["day"] == day and w["from"] <= start and end <= w["to"] for w in r["windows"]):
                continue
            if all(any(a <= start - r["prep"] and end + r["cleanup"] <= b for a, b in times) for times in open_times):
                found.append(start)
        return found

    def options(self, r):
        for team in self.teams(r):
            for facility in self.facilities:
                if r["facilities"] and facility not in r["facilities"]:
                    continue
                for day in range(self.days):
                    starts = self.starts(r, day, team, facility)
                    if starts:
                        yield team, facility, day, starts


def merged(times):
    out = []
    for a, b in sorted(times):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out


def needs(r):
    return ([("rooms", r["room"])] if r["room"] else []) + [("equipment", kind) for kind in r["equipment"]]


def by_intervals(p, hint):
    model = cp_model.CpModel()
    objective, providers, groups, patients = [], defaultdict(list), defaultdict(list), defaultdict(list)
    at_provider = defaultdict(list)
    t = p.tick
    for r in p.data["requests"]:
        unplaced = p.weights["unplaced"][r["priority"]]
        literals = []
        hinted = hint.get(r["id"])
        for team, facility, day, starts in p.options(r):
            costs = defaultdict(list)
            for start in starts:
                costs[p.time_cost(r, day, start)].append(start)
            for cost, at in costs.items():
                total = cost + p.team_cost(r, team)
                if total >= unplaced:
                    continue
                here = model.new_bool_var("")
                # A whole request is one literal and one start for each option, day and cost of its time.
                base = day * 10_000
                start = model.new_int_var_from_domain(cp_model.Domain.from_values([(base + s) // t for s in at]), "")
                chosen = hinted and sorted(hinted["providers"]) == sorted(team) and hinted["day"] == day and hinted["facility"] == facility and hinted["start"] in at
                if hint:
                    model.add_hint(here, bool(chosen))
                    model.add_hint(start, (base + (hinted["start"] if chosen else at[0])) // t)
                before, after = -(-r["prep"] // t), -(-(r["duration"] + r["cleanup"]) // t)
                interval = model.new_optional_fixed_size_interval_var(start - before, before + after, here, "")
                visit = model.new_optional_fixed_size_interval_var(start, -(-r["duration"] // t), here, "")
                for member in team:
                    providers[member].append(interval)
                    at_provider[member].append((day, facility, start, before, after, here))
                for need in needs(r):
                    groups[(*need, facility)].append(interval)
                patients[r["patient"]].append(visit)
                literals.append(here)
                objective.append((total - unplaced) * here)
        model.add_at_most_one(literals)
        objective.append(unplaced)
    for intervals in providers.values():
        model.add_no_overlap(intervals)
    for key, intervals in groups.items():
        model.add_cumulative(intervals, [1] * len(intervals), len(p.groups[key]))
    for intervals in patients.values():
        if len(intervals) > 1:
            model.add_no_overlap(intervals)
    for member, visits in at_provider.items():
        if not p.travelling(member):
            continue
        for i, (day, facility, start, before, after, here) in enumerate(visits):
            for day2, facility2, start2, before2, after2, here2 in visits[i + 1 :]:
                if day == day2 and facility != facility2:
                    first = model.new_bool_var("")
                    there = -(-p.travel[facility, facility2] // t)
                    back = -(-p.travel[facility2, facility] // t)
                    model.add(start + after + there <= start2 - before2).only_enforce_if(here, here2, first)
                    model.add(start2 + after2 + back <= start - before).only_enforce_if(here, here2, ~first)
    model.minimize(sum(objective))
    return model


def by_starts(p, hint):
    model = cp_model.CpModel()
    objective, providers, groups, patients = [], defaultdict(list), defaultdict(list), defaultdict(list)
    t = p.tick
    for r in p.data["requests"]:
        unplaced = p.weights["unplaced"][r["priority"]]
        literals = []
        hinted = hint.get(r["id"])
        for team, facility, day, starts in p.options(r):
            for start in starts:
                total = p.time_cost(r, day, start) + p.team_cost(r, team)
                if total >= unplaced:
                    continue
                here = model.new_bool_var("")
                if hint:
                    model.add_hint(here, bool(hinted and sorted(hinted["providers"]) == sorted(team) and hinted["day"] == day and hinted["facility"] == facility and hinted["start"] == start))
                literals.append(here)
                objective.append((total - unplaced) * here)
                from_tick = (start - r["prep"]) // t
                to_tick = -(-(start + r["duration"] + r["cleanup"]) // t)
                for tick in range(from_tick, to_tick):
                    for member in team:
                        providers[member, day, tick, facility].append(here)
                    for need in needs(r):
                        groups[(*need, facility), day, tick].append(here)
                for tick in range(start // t, -(-(start + r["duration"]) // t)):
                    patients[r["patient"], day, tick].append((r["id"], here))
        model.add_at_most_one(literals)
        objective.append(unplaced)
    for (member, day, tick, facility), literals in list(providers.items()):
        if not p.travelling(member):
            model.add_at_most_one(literals)
            continue
        # Whoever is here now can't be elsewhere within the way.
        others = [literals]
        for (member2, day2, tick2, facility2), there in list(providers.items()):
            if (member2, day2) == (member, day) and facility2 != facility:
                way = p.travel[(facility, facility2) if tick <= tick2 else (facility2, facility)]
                if abs(tick2 - tick) - 1 < -(-way // t):
                    for one in literals:
                        for other in there:
                            model.add_at_most_one(one, other)
        model.add_at_most_one(literals)
    for (key, day, tick), literals in groups.items():
        room = len(p.groups[key])
        if len(literals) > room:
            model.add(sum(literals) <= room)
    for pairs in patients.values():
        if len({request for request, _ in pairs}) > 1:
            model.add_at_most_one([literal for _, literal in pairs])
    model.minimize(sum(objective))
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--model", choices=["intervals", "starts"], default="starts")
    parser.add_argument("--hint", help="a plan to begin from: for proving how good it is")
    args = parser.parse_args()
    with open(args.problem) as file:
        problem = Problem(json.load(file))
    hint = {}
    if args.hint:
        with open(args.hint) as file:
            hint = {it["request"]: it for it in json.load(file)["placements"]}
    begun = time.time()
    model = (by_starts if args.model == "starts" else by_intervals)(problem, hint)
    built = time.time() - begun
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = args.seconds
    solver.parameters.num_workers = args.workers
    if args.model == "starts":
        solver.parameters.linearization_level = 2
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    print(
        json.dumps(
            {
                "status": solver.status_name(status).lower(),
                "cost": round(solver.objective_value) if found else None,
                "bound": round(solver.best_objective_bound),
                "seconds": round(solver.wall_time, 1),
                "building": round(built, 1),
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
