// A day of a shop as requests/s: little at four in the morning, most at four in the
// afternoon. Requests arrive at that rate however slow the answers are, as users' do.
import http from 'k6/http';
import { check } from 'k6';

const number = (name, otherwise) => {
  const value = __ENV[name] === undefined ? otherwise : Number(__ENV[name]);
  if (!(value > 0)) throw new Error(`${name}: must be a number above 0`);
  return value;
};
const url = __ENV.URL || 'http://tomcat-sample-service.default.svc:8080/';
const trough = number('TROUGH', 20); // requests/s
const peak = number('PEAK', 250); // requests/s
const days = number('DAYS', 1);
const dayMinutes = number('DAY_MINUTES', 1440); // how long such a day lasts
const firstHour = number('FIRST_HOUR', 4); // of the day, when the job starts

const rate = (hour) => Math.round(trough + (peak - trough) * ((1 - Math.cos((2 * Math.PI * (hour - 4)) / 24)) / 2) ** 1.5);

const steps = 96; // a day: one every 15 minutes
const stages = [];
for (let i = 1; i <= Math.round(days * steps); i++) {
  stages.push({ duration: `${Math.round((dayMinutes * 60) / steps)}s`, target: rate(firstHour + (24 * i) / steps) });
}

export const options = {
  discardResponseBodies: true,
  scenarios: {
    day: {
      executor: 'ramping-arrival-rate',
      startRate: rate(firstHour),
      timeUnit: '1s',
      preAllocatedVUs: 50,
      maxVUs: 1000,
      gracefulStop: '30s',
      stages,
    },
  },
};

export default function () {
  check(http.get(url, { timeout: '10s' }), { 'answered with 200': (answer) => answer.status === 200 });
}
