"""A shop's life, played through the doors that a real shop uses: for tests, and to see every story end to end.

It is the outside world. It speaks HTTP with Shopbell and nothing else, and knows no more of it than a shop does.

| module | holds |
|---|---|
| `goods` | what the shop sells, and how it ships |
| `life` | who comes, and what they do: the stories, drawn from a seed |
| `world` | the shop as it is at a moment: checkouts, orders, who is forgotten |
| `platform` | what a platform's side has to provide |
| `telling` | how a side says what its webhooks tell |
| `subscriptions` | what a platform was asked to send, and gives up |
| `platforms/` | the sides: one file or folder for each platform, found by its name |
| `weather` | how deliveries really arrive: twice, late, out of order, hours later, not at all |
| `browser` | what the snippet on the shop's pages tells |
| `ports` | ports that nobody else may have |
| `stand_in` | the platform's API, on this machine |
| `house` | a Shopbell, started as a user would |
| `post` | deliveries and batches on their way, and what became of them |
| `mailbox` | the mails that came |
| `diary` | what is to be done when |
| `day` | what happens, and who is told |
| `run` | all of it, as fast as asked |
| `promises` | what must hold in the end |
| `report` | what is told about it |

`docs/simulator.md` says how to use it and how another platform's side is written.
"""
