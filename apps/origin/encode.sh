#!/bin/sh
# Encodes the two cameras of the origin at image build: encode.sh FFMPEG FONT SECONDS FOLDER
# A picture in motion with a clock; the clip's time 0 is a multiple of its length on the wall clock, so the clock is true
# (minutes modulo the clip's). Both cameras are encoded alike: a player goes from one to the other without a new decoder.
set -eu
ffmpeg=$1 font=$2 seconds=$3 folder=$4
rate=15
mkdir -p "$folder"

camera() { # NAME LABEL RED GREEN BLUE (of the backdrop's light) BALL
  light="exp(-((X-320)*(X-320)/42000+(Y-150)*(Y-150)/16000))"
  table="between(hypot((X-320)/250\,(Y-262)/58)\,0\,1)"
  tone() { echo "clip($1*(0.16+0.5*$light)+$table*$2\,0\,255)"; }
  ball="if(lt(hypot(X-26\,Y-26)\,25)\,255\,0)"
  shade="(1.15-hypot(X-18\,Y-16)/44)"
  clock="%{eif\:mod(floor(t/60)\,60)\:d\:2}\:%{eif\:mod(floor(t)\,60)\:d\:2}"
  "$ffmpeg" -nostdin -v error -y -threads 2 \
    -f lavfi -i "color=c=black:s=640x360:r=$rate,format=rgb24,geq=r='$(tone "$3" 34)':g='$(tone "$4" 30)':b='$(tone "$5" 28)',trim=end_frame=1,format=yuv420p,loop=-1:1,setpts=N/($rate*TB)" \
    -f lavfi -i "color=c=black:s=52x52:r=$rate,format=rgba,geq=r='clip($6*$shade\,0\,255)':g='clip($7*$shade\,0\,255)':b='clip($8*$shade\,0\,255)':a='$ball',trim=end_frame=1,format=yuva420p,loop=-1:1,setpts=N/($rate*TB)" \
    -f lavfi -i "color=c=0xF2EDE4:s=640x4:r=$rate" \
    -f lavfi -i "aevalsrc=0.02*(sin(2*PI*220*t)+0.7*sin(2*PI*277*t)+0.5*sin(2*PI*330*t))*(0.6+0.4*sin(2*PI*t/8)):s=48000" \
    -filter_complex "[0][1]overlay=x='294+190*cos(2*PI*t/8)':y='222+36*sin(2*PI*t/8)'[a];[a][2]overlay=x='-640+640*mod(t\,10)/10':y=356,
      drawtext=fontfile=$font:text='$clock':fontsize=84:fontcolor=0xF7F3EC:x=(w-text_w)/2:y=98,
      drawtext=fontfile=$font:text='$2':fontsize=15:fontcolor=0xF7F3EC@0.75:x=24:y=h-46,format=yuv420p[v]" \
    -map "[v]" -map 3 -t "$seconds" -af "atrim=end_sample=$((seconds * 48000 - 1024))" \
    -c:v libx264 -profile:v main -level 3.0 -preset veryfast -crf 27 -bf 0 -g $((rate * 2)) -sc_threshold 0 \
    -c:a aac -b:a 32k -ac 1 -bsf:a setts=pts=PTS+1024:dts=DTS+1024 -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
    -use_editlist 0 -video_track_timescale 15360 -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer "$folder/$1.mp4"
}

camera main "CAMERA 1" 214 120 96 232 92 62
camera standby "CAMERA 2" 92 158 168 240 196 92
