# A walk through one image of the demo: vilscope --tour, or vilscope -S demo/tour.vs.
# Each "pause" waits for a key; Escape ends the tour and leaves the workbench open.
image 1
wait
say The tour: any key goes on, Esc ends it. This is an image.
pause
ask what do you call the large thing at the right please?
wait
say A question, and all answers by probability: "star".
pause
token large
layer 1
wait
say Left, Right choose a word: "large" attends to this.
pause
press ]
wait
say [ and ] go through the layers, { and } through the heads.
pause
view matrix
wait
say v shows views. Here the map: all words, all regions.
pause
view heads
wait
say All heads at once, ranked by a statistic; T is the next.
pause
view tokens
wait
say What each word gives the chosen one, and receives.
pause
cancel
view attention
suggest refcoco
wait
say A phrase: regions are ranked. Up and Down choose.
pause
drop region 6
wait
say What if the best one were not there? D drops the chosen.
pause
restore
wait
leave-one-out regions
wait
say K: every region left out in turn. What does each weigh?
pause
view attention
suggest nlvr2
wait
say A statement on two images. Digits or t choose tasks.
pause
cancel
help
say ? lists all keys; type to search. : types commands.
pause
cancel
say That was the tour. / types a question of yours, q quits.
